// Package mqtt keeps a connection to an MQTT broker: whoever publishes or listens says
// what, and the connection comes back by itself when it is lost.
//
// It speaks MQTT 5. A broker that only knows 3.1.1 is spoken to as it likes, and it is
// said what is lost by that. Nothing is kept here that outlives the process: what must
// arrive is kept by whoever sends it, until somebody says that it has arrived.
package mqtt
