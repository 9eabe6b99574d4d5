package linmemtest

// Needs says why the case of that name does not run here, or "".
func Needs(name string) string {
	for _, c := range cases {
		if c.name == name {
			return c.needs(Config{})
		}
	}
	return "there is no such case"
}
