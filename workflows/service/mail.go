package service

// Changed is closed at the next change of anything: a run, a queue, the tasks.
func (d *Device) Changed() <-chan struct{} { return d.changed.next() }
