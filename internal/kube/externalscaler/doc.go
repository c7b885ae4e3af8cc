// Package externalscaler speaks KEDA's protocol for external scalers: a program
// of its own, in any language, that says what a service's metric is and what it
// should be. Messages and client are generated from externalscaler.proto; here is
// what a simulation adds, a deadline of real time and faults that name the address.
//
// Nothing here knows of virtual time or of replicas: package keda asks, and does
// with the answer what KEDA does.
package externalscaler

//go:generate go tool -modfile=../../../tools/protoc/go.mod buf generate
