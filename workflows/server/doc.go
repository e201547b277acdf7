// Package server is a device server over HTTP: every workflow of a folder is a task,
// typed in an OpenAPI description that is made anew whenever the files change, and
// every run is a resource that is submitted, listed, followed, paused, answered.
//
// It carries nothing out and keeps nothing: that is workflows/service's. Beside its
// own operations it answers those of servers that were written by hand before, GET
// /tasks and POST /execute/{task}, so that their clients go on working.
package server
