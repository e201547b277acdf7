// Package journal remembers runs in a file that outlives every process: what
// was run, with which files and parameters, on which robot and by whom, every
// event in order, and who may move a robot at the moment. It is an SQLite
// database in WAL mode that several processes of one machine open at the same
// time.
//
// What Append returned for has been synced to the disk. What it refused is not
// there: records come whole, in order and without gaps, so that what is read
// after a crash is always the beginning of what happened.
//
// A robot has one owner at a time, who holds its Lease. Leases are numbered,
// and a run takes events under the newest number only, which is looked up in
// the transaction that adds them: an owner that was cut off and comes back
// cannot write, and whoever cannot write may not move anything.
//
// The events are the truth. What the row of a run says besides is their fold,
// written in the same transaction, so that runs are listed without reading
// their events.
package journal
