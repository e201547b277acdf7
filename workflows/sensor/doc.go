// Package sensor plays the wireless colour sensor of a colour-mixing lab, over a broker: a
// Pico W with an AS7341, which a pipette picks up like a tip and holds over a well. It
// speaks as that sensor does, so that a workflow can be tried without one.
//
// It is asked at command/picow/ID/as7341/read, with the volumes of three paints under
// command and the ids of session and experiment beside it, and answers at
// color-mixing/picow/ID/as7341 with all it was asked and eight channels under sensor_data.
// Where it is it learns from what the robot says at status/ot2/ROBOT/complete: in_place, or
// charging, in which case it refuses to measure.
package sensor
