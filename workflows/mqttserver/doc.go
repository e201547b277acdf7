// Package mqttserver is the device server over MQTT: another front of workflows/service,
// with the same tasks, queue, journal and leases as the one over HTTP. It carries nothing
// out by itself.
//
// A command is checked and submitted under its id, and only then acknowledged to the
// broker: what comes twice is one job, whatever was lost in between. What became of it is
// in the outbox of the journal until whoever asked says that it has arrived.
package mqttserver
