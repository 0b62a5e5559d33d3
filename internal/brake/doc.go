// Package brake slows guessing down: it counts failed attempts, and says how
// long somebody has to wait who failed too often.
//
//	if verdict, wait := counter.Begin(source, limit); verdict == brake.Free {
//		counter.End(source, limit, outcome)
//	}
//
// An attempt counts from its beginning: while it is not known how it ends it
// takes one of the failures that are left, so guesses side by side are not more
// than guesses one after the other.
//
// Memory is bounded, and what is counted is never forgotten before its time.
// When there is no room for another one, those that come then share counts. So
// under a flood somebody may have to wait for what others did; nobody gets
// further than without the flood.
//
// The package knows neither users nor addresses, but for Source.
package brake
