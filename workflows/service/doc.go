// Package service carries workflows out: it knows the journal, the places where
// plans are carried out, what is known of their decks, and who owns a robot. What
// wants something done, a command line or a server, goes through it and only talks
// to people in its own way.
//
// A Job is a plan at a place under a lease, from the moment the robot is looked at
// to the end of its run; a run that was left is taken up again as one, too. Who
// follows it is a Person: it hears what happens, answers what only people know, and
// steers the run.
package service
