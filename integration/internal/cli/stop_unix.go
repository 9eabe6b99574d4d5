//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// stopWithChildren has the end of the command's context end all that it started: go run starts the program that it built.
func stopWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
