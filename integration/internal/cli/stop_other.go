//go:build !unix

package cli

import "os/exec"

// stopWithChildren does nothing here: the end of the command's context ends the command alone.
func stopWithChildren(*exec.Cmd) {}
