// Command fakecced runs the stand-in for the CCE daemon, to try the gateway in
// front of it without one:
//
//	go run ./cmd/fakecced -socket /tmp/cced.socket
//
// It starts with the objects and accounts of the tests, admin with the password
// secret-1 among them, and forgets all changes when it ends, which it does on
// SIGINT and SIGTERM as the real one does. With schema files it knows their
// classes, and has the objects all the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/sallyport/sallyport/internal/fake/cced"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "fakecced: %v\n", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, arguments []string) error {
	var config cced.Config
	flags := flag.NewFlagSet("fakecced", flag.ContinueOnError)
	flags.StringVar(&config.Socket, "socket", "", "`path` of the unix socket to listen on")
	flags.BoolVar(&config.PeerIsRoot, "root", false, "give every connection the rights of a root peer")
	flags.Func("schema", "schema `file` in place of the built-in ones; may be repeated", func(path string) error {
		text, err := os.ReadFile(path)
		config.Schemas = append(config.Schemas, string(text))
		return err
	})
	if err := flags.Parse(arguments); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("'%s' is not understood; there are -socket, -schema and -root", flags.Arg(0))
	}
	if config.Socket == "" {
		return errors.New("where to listen is not said; use -socket")
	}
	daemon, err := cced.New(config)
	if err != nil {
		return err
	}
	return daemon.Serve(ctx)
}
