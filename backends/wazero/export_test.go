package wazeromem

// Len returns how many memories a Limiter knows.
func (l *Limiter) Len() int { return len(l.memories) }
