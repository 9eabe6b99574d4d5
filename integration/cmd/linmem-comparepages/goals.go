package main

import (
	"fmt"
	"strings"
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
	add := func(reached bool, text string, limit float64) {
		if limit == 0 {
			return
		}
		word := "MISSED"
		if reached {
			word = "reached"
		}
		parts = append(parts, fmt.Sprintf("%s %v %s", text, limit, word))
	}
	add(zigref >= g.zigref, "zigref/linmem ≥", g.zigref)
	add(radix >= g.radix, "radix/linmem ≥", g.radix)
	add(flat <= g.flat, "linmem/flat ≤", g.flat)
	return strings.Join(parts, ", ")
}
