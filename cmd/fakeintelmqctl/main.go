// Command fakeintelmqctl runs the stand-in for intelmqctl, to try the gateway in front
// of it without IntelMQ:
//
//	fakeintelmqctl -root botnet init
//	fakeintelmqctl -root botnet --type json start
//
// The first makes a folder with a botnet, the second starts its bots, which are
// processes and run until they are stopped. With -replay FILE it answers what is
// recorded there.
package main

import (
	"os"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

func main() { os.Exit(intelmqctl.Main()) }
