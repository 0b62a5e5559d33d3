// Package intelmqsetup prepares a machine for the IntelMQ endpoint, and says what is
// wrong with one.
//
//	Setup: what shall be → is it so already? → make it so, or tell what would be done
//	Checker: what is → findings, each with an id, a sentence, and what to do
//
// IntelMQ runs as one user, Caddy as another. Caddy's user runs intelmqctl through
// sudo, and saves IntelMQ's configuration as a member of its group. Setup gives it
// these two rights and no more. It runs as root in folders of IntelMQ's user, who
// must gain nothing by it: all is done on open files, and links are refused.
//
// It neither installs nor starts anything, and does not know HTTP or Caddy.
package intelmqsetup
