// Package pages shows a device server to people: what the robots do, what waits for
// somebody, every workflow with a form, every run as it goes. What it shows and does is
// the service's; the pages are made by the server and work without scripts, which only
// keep them up to date.
package pages
