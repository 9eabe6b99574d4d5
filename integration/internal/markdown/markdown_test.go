package markdown_test

import (
	"fmt"
	"os"

	"github.com/linmem/linmem/integration/internal/markdown"
)

func Example() {
	markdown.Heading(os.Stdout, "Times", "case", "ns", " verdict")
	for _, ns := range []float64{1234.5, 12.34, 1.234, 0.01234} {
		markdown.Row(os.Stdout, fmt.Sprint(ns), markdown.Number(ns), "good")
	}
	// Output:
	// ## Times
	//
	// | case | ns | verdict |
	// | --- | ---: | --- |
	// | 1234.5 | 1234 | good |
	// | 12.34 | 12.3 | good |
	// | 1.234 | 1.23 | good |
	// | 0.01234 | 0.012 | good |
}
