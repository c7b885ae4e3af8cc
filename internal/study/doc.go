// Package study takes a change apart: a scenario before it, the steps that it is
// made of, and what somebody claims that they bring. It derives the configurations
// to run (before, the steps added one by one, each alone, each left out, and all of
// it under other assumptions), makes tables and charts of the runs, and holds the
// claims against them.
package study
