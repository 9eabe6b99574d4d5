package main

import (
	"fmt"
	"strings"

	"github.com/linmem/linmem/integration/internal/measure"
)

// goal is what a case should come to in a 32-bit memory, as ratios of times; 0 if there is none.
type goal struct {
	zigref float64 // zigref to linmem, at least
	radix  float64 // radix to linmem, at least
	flat   float64 // linmem to flat, at most
}

// goals has those of the cases, by name.
var goals = map[string]goal{
	"Empty":                {radix: 5, flat: 2.2},
	"50PercentFull":        {zigref: 15, radix: 3},
	"95PercentFull":        {zigref: 40, radix: 3},
	"50PercentFullAligned": {zigref: 10},
	"CombNeverFits":        {zigref: 5000, radix: 2},
	"CombLastPairFits":     {zigref: 1000, radix: 4},
	"AlignedNeverFits":     {zigref: 50},
}

// verdict says of each part of the goal whether the ratios reach it.
func (g goal) verdict(zigref, radix, flat float64) string {
	var parts []string
	for _, part := range []struct {
		measure.Goal
		ratio float64
	}{
		{measure.Goal{Figure: "zigref/linmem", Limit: g.zigref}, zigref},
		{measure.Goal{Figure: "radix/linmem", Limit: g.radix}, radix},
		{measure.Goal{Figure: "linmem/flat", Limit: g.flat, AtMost: true}, flat},
	} {
		if part.Limit != 0 {
			parts = append(parts, fmt.Sprint(part.Goal, " ", part.Verdict(part.ratio)))
		}
	}
	return strings.Join(parts, ", ")
}
