// Package markdown prints the tables of the commands that compare.
package markdown

import (
	"fmt"
	"io"
	"strings"
)

// Row prints a line of a table.
func Row(out io.Writer, cells ...string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }

// Heading prints a table's title and first lines. The first column is of text, and so are those whose name begins with a
// space.
func Heading(out io.Writer, title string, columns ...string) {
	fmt.Fprintf(out, "\n## %s\n\n", title)
	names, rules := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		if rules[i] = "---:"; i == 0 || strings.HasPrefix(column, " ") {
			rules[i] = "---"
		}
		names[i] = strings.TrimSpace(column)
	}
	Row(out, names...)
	Row(out, rules...)
}

// Number returns 2 or 3 significant digits, or all that are before the point.
func Number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x < 0.1:
		return fmt.Sprintf("%.2g", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// Numbers returns a cell for each number.
func Numbers(values ...float64) []string {
	cells := make([]string, len(values))
	for i, x := range values {
		cells[i] = Number(x)
	}
	return cells
}
