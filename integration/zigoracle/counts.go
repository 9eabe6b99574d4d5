package zigoracle

import "fmt"

// Counts are what steps came to, so that it shows if streams no longer reach what they are to compare.
type Counts map[string]int

const (
	steps        = "steps"
	refused      = "allocations without memory"
	grown        = "allocations that grew the memory"
	reused       = "allocations at an address that was freed"
	reusedPast   = "the same, past page 2,048"
	large        = "allocations of more than 1,000 pages"
	resized      = "resizes"
	notResized   = "resizes refused"
	freed        = "frees"
	grownOutside = "growths by somebody else"
)

// Add adds other counts.
func (c Counts) Add(other Counts) {
	for name, n := range other {
		c[name] += n
	}
}

// Missing names the counts that are below one for each so many steps, or below 1.
func (c Counts) Missing(perSteps int) (missing []string) {
	want := max(1, c[steps]/perSteps)
	for _, name := range []string{
		steps, refused, grown, reused, reusedPast, large, resized, notResized, freed, grownOutside,
	} {
		if c[name] < want {
			missing = append(missing, fmt.Sprintf("%d %s, want %d", c[name], name, want))
		}
	}
	return missing
}
