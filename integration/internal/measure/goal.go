package measure

import "fmt"

// Goal is what a figure should come to.
type Goal struct {
	Figure string // in words
	AtMost bool   // the limit; otherwise at least that
	Limit  float64
}

// String returns the goal in words, as in "zigref/linmem ≥ 15".
func (g Goal) String() string {
	relation := "≥"
	if g.AtMost {
		relation = "≤"
	}
	return fmt.Sprintf("%s %s %v", g.Figure, relation, g.Limit)
}

// Verdict says whether a figure reaches the goal.
func (g Goal) Verdict(figure float64) string {
	if g.AtMost && figure <= g.Limit || !g.AtMost && figure >= g.Limit {
		return "reached"
	}
	return "MISSED"
}
