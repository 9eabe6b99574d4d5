package cli

import (
	"github.com/linmem/linmem/core/guest"
	"github.com/spf13/cobra"
)

// inspectCommand is the command inspect.
type inspectCommand struct{ *invocation }

func (c *inspectCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Say what a guest does to its memory, from its binary alone",
		Long: `Inspect reads wasm modules, without running them, and says of each what made it, where it grows its memory, what
allocators it has, and whether it tolerates pages that the host adds to its memory by memory.grow: late, after it was
initialized and has allocated, and early, before either. It says where guest.Open would put the host's bytes, on a backend
that can do all that Open asks for.

FILE is a core module in WebAssembly's binary format, - standard input. What does not follow from the binary for sure is
undecided: linmem probe tries it out.

The exit code is 0 whatever the verdict, or 2 if a file could not be read. An error is one line.`,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return badInput("no file is named: pass wasm modules, as in linmem inspect guest.wasm, or - for standard input")
			}
			for i, file := range files {
				c.inspect(file, i == 0)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print a JSON object per file, with its error if it has one")
	return cmd
}

// inspection is what inspect prints of a file as JSON.
type inspection struct {
	File       string        `json:"file"`
	Report     *guest.Report `json:"report"`
	Strategies []assessment  `json:"strategies,omitempty"` // in the order in which guest.Open tries them
}

func (c *inspectCommand) inspect(file string, first bool) {
	m, err := readModule(file, c.stdin)
	if err != nil {
		c.fail(failure{File: file}, badInput("%v", err))
		return
	}
	defer m.remove()
	strategies, remedies := assess(m.report)
	if c.json {
		c.printJSON(inspection{file, m.report, strategies})
		return
	}
	printInspection(c.stdout, m, strategies, remedies, first)
}
