package scheduler

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// scorer is a Score plugin of the profile.
type scorer struct {
	fwk.ScorePlugin
	weight int64
	local  bool // its raw score is remembered
}

// plain reports whether the raw scores are the final ones.
func (s scorer) plain() bool { return s.ScoreExtensions() == nil }

// RunPreScorePlugins implements framework.Framework, as frameworkImpl does.
func (m *memo) RunPreScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	skip := sets.New[string]()
	for _, p := range m.pre {
		if p.Name() == names.PodTopologySpread && m.class.spread.known() {
			if m.class.spread.empty() {
				skip.Insert(p.Name())
			}
			continue
		}
		switch status := p.PreScore(ctx, state, pod, nodes); {
		case status.IsSkip():
			skip.Insert(p.Name())
		case !status.IsSuccess():
			return fwk.AsStatus(fmt.Errorf("running PreScore plugin %q: %w", p.Name(), status.AsError()))
		}
	}
	state.SetSkipScorePlugins(skip)
	return nil
}

// RunScorePlugins implements framework.Framework: the totals that upstream's
// would return, without the single scores, which schedulePod does not read.
func (m *memo) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, *fwk.Status) {
	totals, status := m.totals(ctx, state, pod, nodes)
	if !status.IsSuccess() {
		return nil, status
	}
	out := make([]fwk.NodePluginScores, len(nodes))
	for i, n := range nodes {
		out[i] = fwk.NodePluginScores{Name: n.Node().Name, TotalScore: totals[i]}
	}
	return out, nil
}

// totals returns the nodes' sums of weighted scores.
func (m *memo) totals(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) ([]int64, *fwk.Status) {
	rows, status := m.scoredRows(ctx, state, pod, nodes)
	if !status.IsSuccess() {
		return nil, status
	}
	m.sums, m.scores = m.sums[:0], m.scores[:0]
	for i, n := range nodes {
		m.sums, m.scores = append(m.sums, rows[i].plain), append(m.scores, fwk.NodeScore{Name: n.Node().Name})
	}
	for k, s := range m.scorers {
		if s.local && s.plain() || state.GetSkipScorePlugins().Has(s.Name()) {
			continue
		}
		if s.Name() == names.PodTopologySpread && m.class.spread.known() {
			m.class.spread.score(m, rows, m.scores)
		} else if status := m.normalised(ctx, state, pod, k, nodes, rows); !status.IsSuccess() {
			return nil, status
		}
		for i := range m.sums {
			if status := inRange(s, m.scores[i].Score); !status.IsSuccess() {
				return nil, status
			}
			m.sums[i] += m.scores[i].Score * s.weight
		}
	}
	return m.sums, nil
}

// normalised fills in a plugin's scores of the nodes, remembered or asked for,
// and lets it normalise them.
func (m *memo) normalised(ctx context.Context, state fwk.CycleState, pod *v1.Pod, k int, nodes []fwk.NodeInfo, rows []*row) *fwk.Status {
	s, scores := m.scorers[k], m.scores
	for i, n := range nodes {
		if s.local {
			scores[i].Score = rows[i].raw[k]
			continue
		}
		var status *fwk.Status
		if scores[i].Score, status = s.Score(ctx, state, pod, n); !status.IsSuccess() {
			return failedScore(s, status)
		}
	}
	if s.plain() {
		return nil
	}
	if status := s.ScoreExtensions().NormalizeScore(ctx, state, pod, scores); !status.IsSuccess() {
		return failedScore(s, status)
	}
	return nil
}

// scoredRows returns the nodes' rows with up-to-date scores.
func (m *memo) scoredRows(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) ([]*row, *fwk.Status) {
	m.forgetUnlessSkipped(state.GetSkipScorePlugins())
	m.rows = m.rows[:0]
	for i, n := range nodes {
		var r *row
		if i < len(m.passed) {
			r = &m.class.rows[m.passed[i]]
		}
		if r == nil || r.info != n { // not all went through the memo
			r = &m.class.rows[m.s.nodeList.at[n]]
		}
		if r.scored != n.GetGeneration() {
			if status := m.rate(ctx, state, pod, r); !status.IsSuccess() {
				return nil, status
			}
		}
		m.rows = append(m.rows, r)
	}
	return m.rows, nil
}

// rate asks the node-local plugins about a node.
func (m *memo) rate(ctx context.Context, state fwk.CycleState, pod *v1.Pod, r *row) *fwk.Status {
	if r.raw == nil {
		r.raw = make([]int64, len(m.scorers))
	}
	r.plain = 0
	for k, s := range m.scorers {
		if !s.local || state.GetSkipScorePlugins().Has(s.Name()) {
			continue
		}
		raw, status := s.Score(ctx, state, pod, r.info)
		if !status.IsSuccess() {
			return failedScore(s, status)
		}
		r.raw[k] = raw
		if s.plain() {
			if status := inRange(s, raw); !status.IsSuccess() {
				return status
			}
			r.plain += raw * s.weight
		}
	}
	r.scored = r.info.GetGeneration()
	return nil
}

// forgetUnlessSkipped forgets the scores if other node-local plugins than
// before have nothing to say of the pods. It does not happen with the plugins
// there are: all go by the pod's spec.
func (m *memo) forgetUnlessSkipped(skip sets.Set[string]) {
	now := sets.New[string]()
	for _, s := range m.scorers {
		if s.local && skip.Has(s.Name()) {
			now.Insert(s.Name())
		}
	}
	if now.Equal(m.class.skipped) {
		return
	}
	m.class.skipped = now
	for i := range m.class.rows {
		m.class.rows[i].scored = 0
	}
}

func failedScore(s scorer, status *fwk.Status) *fwk.Status {
	return fwk.AsStatus(fmt.Errorf("running Score plugins: plugin %q failed with: %w", s.Name(), status.AsError()))
}

func inRange(s scorer, score int64) *fwk.Status {
	if score < fwk.MinScore || score > fwk.MaxScore {
		return fwk.AsStatus(fmt.Errorf("plugin %q returns an invalid score %v, it should in the range of [%v, %v] after normalizing", s.Name(), score, fwk.MinScore, fwk.MaxScore))
	}
	return nil
}
