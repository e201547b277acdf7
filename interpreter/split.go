package interpreter

// How a volume that is larger than the tip is divided. Volumes are nL;
// capacity is what fits beside air gaps; the sum of the chunks is the volume.
//
// The rules are those of the two Opentrons tools, with the true capacity in
// place of the pipette's where the Python API confuses the two.

// split appends the chunks of volume by the rule to chunks.
func split(chunks []int64, rule string, volume, capacity, minimum int64) []int64 {
	if volume <= capacity || capacity <= 0 || rule == "never" {
		return append(chunks, volume)
	}
	switch rule {
	case "even_last_two":
		return splitLastTwo(chunks, volume, capacity)
	case "full_then_rest":
		return splitFull(chunks, volume, capacity, minimum)
	}
	return splitEven(chunks, volume, capacity)
}

// evenly is the least chunk that splitEven makes.
func evenly(volume, capacity int64) int64 {
	if volume <= capacity || capacity <= 0 {
		return volume
	}
	return volume / ((volume + capacity - 1) / capacity)
}

// splitEven makes the fewest chunks that fit, all as equal as whole nanolitres
// allow.
func splitEven(chunks []int64, volume, capacity int64) []int64 {
	k := (volume + capacity - 1) / capacity
	for i := range k {
		chunk := volume / k
		if i < volume%k {
			chunk++
		}
		chunks = append(chunks, chunk)
	}
	return chunks
}

// splitLastTwo draws full tips until at most two are left, and those evenly:
// the Python API's rule.
func splitLastTwo(chunks []int64, volume, capacity int64) []int64 {
	for volume > 2*capacity {
		chunks = append(chunks, capacity)
		volume -= capacity
	}
	if volume > capacity {
		return append(chunks, volume-volume/2, volume/2)
	}
	return append(chunks, volume)
}

// splitFull draws full tips and then the rest; a rest below the pipette's
// minimum makes the last two even: Protocol Designer's rule.
func splitFull(chunks []int64, volume, capacity, minimum int64) []int64 {
	for volume > capacity {
		if rest := volume - capacity; rest < minimum {
			return append(chunks, volume-volume/2, volume/2)
		}
		chunks = append(chunks, capacity)
		volume -= capacity
	}
	return append(chunks, volume)
}
