// Package sweep runs a scenario at many points of its parameters: a grid, a list,
// or a list times a grid. The plan of a sweep says which runs there are and how
// shards divide them; its runs are kept one by one, so that shards may be killed
// and resumed; and the tables are made of the kept runs alone, so that they are the
// same bytes whoever ran them.
package sweep
