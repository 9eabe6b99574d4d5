// Package compareheaps is the commands that compare byte allocators, one for each runtime that cannot share a process with
// another. See package heaps of bench for the allocators and the workloads.
package compareheaps

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/engines"
)

// Program is one of the commands.
type Program struct {
	Name    string
	Runtime heaps.Runtime

	// Engine is the same runtime, with what guests import.
	Engine engines.Engine

	// Native says that it has the allocators that need no guest too.
	Native bool

	// Siblings are the programs that it starts for the other runtimes, by the runtime's name; see start.
	Siblings []string
}

// settings are what the flags say.
type settings struct {
	rounds     int
	time       time.Duration
	guestCalls int
	run        *regexp.Regexp
	siblings   bool
	json       bool
}

// Main runs the program with the command line's arguments, and exits.
func (p Program) Main() { os.Exit(p.Command(os.Args[1:], os.Stdout, os.Stderr)) }

// Command runs the program and returns its exit code.
func (p Program) Command(args []string, stdout, stderr io.Writer) int {
	s, code := p.parse(args, stderr)
	if s == nil {
		return code
	}
	r, err := p.measure(s, stderr)
	switch {
	case s.json && err == nil:
		err = json.NewEncoder(stdout).Encode(r)
	case !s.json:
		for _, name := range p.siblings(s) {
			theirs, startErr := start(context.Background(), p.Name+"-"+name, args, stderr)
			r.add(theirs)
			err = errors.Join(err, startErr)
		}
		err = errors.Join(err, p.print(stdout, s, r))
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return 1
	}
	return 0
}

func (p Program) siblings(s *settings) []string {
	if !s.siblings {
		return nil
	}
	return p.Siblings
}

// parse returns nil and the exit code if there is nothing to be done.
func (p Program) parse(args []string, stderr io.Writer) (s *settings, code int) {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	s = new(settings)
	flags.IntVar(&s.rounds, "rounds", 7, "how often each allocator is measured in each case")
	flags.DurationVar(&s.time, "time", 50*time.Millisecond, "how long each measurement takes, at least")
	flags.IntVar(&s.guestCalls, "guest-calls", 20_000, "how much of each trace is replayed on the guests' allocators")
	flags.BoolVar(&s.siblings, "siblings", true, "start the programs for the runtimes that need one of their own")
	flags.BoolVar(&s.json, "json", false, "print the figures of this program alone, as JSON")
	run := flags.String("run", "", "measure what matches this regular expression: "+measures+"; after a / the case")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, 0
	} else if err != nil {
		return nil, 2
	}
	var err error
	s.run, err = regexp.Compile(*run)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "%s: -run: %v\n", p.Name, err)
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "%s: there are flags only, and no arguments: %v\n", p.Name, flags.Args())
	case s.rounds < 1 || s.time <= 0 || s.guestCalls < 1:
		fmt.Fprintf(stderr, "%s: -rounds, -time and -guest-calls must be above 0\n", p.Name)
	default:
		return s, 0
	}
	return nil, 2
}
