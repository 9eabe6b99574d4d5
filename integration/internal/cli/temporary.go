package cli

import (
	"os"
	"sync"
)

// temporary has the files and folders that are to be removed when the program ends, whatever ends it.
var temporary sync.Map

// discard removes a file or folder, if it is one of the temporary ones.
func discard(path string) {
	if _, ours := temporary.LoadAndDelete(path); ours {
		_ = os.RemoveAll(path)
	}
}

// removeTemporary is for an end that leaves no time for more.
func removeTemporary() {
	temporary.Range(func(path, _ any) bool {
		_ = os.RemoveAll(path.(string))
		return true
	})
}
