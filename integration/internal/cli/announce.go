package cli

import (
	"fmt"
	"os"
	"time"
)

// announce tells a person at a terminal why nothing happens, if nothing does for some seconds. The function that it
// returns ends that.
func (i *invocation) announce(format string, args ...any) (done func()) {
	if f, ok := i.stderr.(*os.File); !ok || !isTerminal(f) {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-end:
		case <-time.After(3 * time.Second):
			fmt.Fprintf(i.stderr, "%s: %s\n", i.program.Name, fmt.Sprintf(format, args...))
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
