// Package tests runs the tests that people write for their workflows: files *.test.yaml
// that say what a run is given and what must come of it. It owns how a run is compared
// with what is expected, and how that is said; what the keys are is in package spec, and
// how a workflow is simulated in package sim.
package tests
