// Package workflows is where workflow files become prepared workflows: the
// checking pipeline, the Registry that keeps the last good version of every
// file in some folders, and the Watcher that keeps a Registry current.
//
// It is the only package that watches files. It runs nothing and serves
// nothing; commands and servers take a Snapshot of a Registry and go on from
// there.
package workflows
