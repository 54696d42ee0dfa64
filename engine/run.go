package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.uber.org/dig"
)

// ready is the single line on stdout that says that everything answers.
type ready struct {
	Ready     bool   `json:"ready"`
	Address   string `json:"address"`
	UI        string `json:"ui"` // URL, empty without a UI
	Namespace string `json:"namespace"`
}

// run starts the engine, says so on stdout and returns after ctx has ended and
// the server has stopped. What it returns before that is a fault at the start.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	ports, err := choosePorts(o)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, o)
	if err != nil {
		return err
	}
	defer st.close()
	srv, err := startServer(st, o, ports)
	if err != nil {
		return err
	}
	defer srv.stop(stderr)
	if err := serveNamespace(ctx, ports.internalAddress(), o.Namespace); err != nil {
		return err
	}
	web, err := startUI(ctx, o, ports)
	if err != nil {
		return err
	}
	defer web.stop()
	if ctx.Err() != nil {
		return nil
	}
	srv.logger.steady()
	if o.TimeSkipping {
		fmt.Fprintln(stderr, "aidflow-engine: clients may move the time of workflows: for development and tests only")
	}
	line := ready{Ready: true, Address: ports.frontend.String(), UI: web.url, Namespace: o.Namespace}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return fmt.Errorf("cannot write the ready line: %w", err)
	}
	<-ctx.Done()
	return nil
}

// oneLine gives the innermost reason of a fault as a single line: the server's
// dependency injection wraps reasons in paragraphs about constructors.
func oneLine(err error) string {
	return strings.Join(strings.Fields(dig.RootCause(err).Error()), " ")
}
