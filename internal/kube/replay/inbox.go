package replay

import (
	"sync"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// message is something that happened outside, to be worked in by the engine.
type message struct {
	at       time.Time
	priority vtime.Priority
	do       func()
}

// inbox holds messages until the engine takes them. It never blocks who puts.
type inbox struct {
	mu       sync.Mutex
	messages []message
	rings    chan struct{}
}

func newInbox() *inbox { return &inbox{rings: make(chan struct{}, 1)} }

// put adds what happened now.
func (b *inbox) put(p vtime.Priority, do func()) {
	b.mu.Lock()
	b.messages = append(b.messages, message{time.Now(), p, do})
	b.mu.Unlock()
	select {
	case b.rings <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *inbox) take() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.messages
	b.messages = nil
	return all
}
