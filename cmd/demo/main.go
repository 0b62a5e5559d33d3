// Command demo shows Sallyport at work on this machine, as `make demo`.
//
// It runs bin/caddy with the Caddyfile beside this text, in front of stand-ins for
// an application, for a provider of identity, for the CCE daemon and for IntelMQ, and
// prints command lines to try in another terminal. With -check it runs these lines
// itself and compares what they say.
//
// It must be started in the repository's folder. All it writes is in .demo,
// which is made anew each time, and which `make clean` removes; it listens on the
// loopback only and needs no root. When it ends, so do Caddy and the stand-ins.
//
// Called as intelmqctl it is the stand-in for that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/sallyport/sallyport/internal/fake/intelmqctl"
)

const defaultPort = 8443

func init() {
	// The kernel ends the child processes when the thread that has started them
	// ends. The main thread lives as long as the program.
	runtime.LockOSThread()
}

func main() {
	intelmqctl.ServeCalls()
	portText := flag.String("port", "", fmt.Sprintf("TCP `port` of the demo's server (default %d; with -check a free one)", defaultPort))
	check := flag.Bool("check", false, "run the printed lines and compare what they say")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo: '%s' is not understood; there are -port and -check\n", flag.Arg(0))
		os.Exit(2)
	}
	port, err := parsePort(*portText)
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, port, *check); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// run is the demo from the empty folder to the end of its processes.
func run(ctx context.Context, port int, check bool) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	// Before the port, which that demo has as well: its name helps nobody.
	if err := checkFolder(); err != nil {
		return err
	}
	site, err := findSite(port, check)
	if err != nil {
		return err
	}
	if err := makeFolder(ctx, site); err != nil {
		return err
	}
	lines := script(here, site.port, behindProxy())
	if err := serve(ctx, site, func(ended <-chan error) error {
		if !check {
			return show(ctx, lines, ended)
		}
		err := tryAll(ctx, lines)
		select {
		case died := <-ended:
			return errors.Join(err, died)
		default:
			return err
		}
	}); err != nil || !check {
		return err
	}
	return errors.Join(site.checkClosed(), checkSecrets(folder))
}

// show prints the lines and waits for the end.
func show(ctx context.Context, lines []line, ended <-chan error) error {
	fmt.Print("\nThe demo is running. Paste these lines into another terminal:\n\n")
	for _, l := range lines {
		fmt.Println(l.text() + "\n")
	}
	fmt.Println("Ctrl-C ends the demo.")
	select {
	case <-ctx.Done():
		fmt.Println("\nThe demo has ended. Its keys and passwords are in " + folder + "; `make clean` removes that, and bin.")
		return nil
	case err := <-ended:
		return err
	}
}
