package journal

import (
	"context"
	"iter"
)

// each reads the rows of a query one after the other. An error is the last that is handed
// over. The text of the query is one of a few, see query.
func each[T any](ctx context.Context, s *Store, query string, scan func(func(...any) error) (T, error), args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := s.query(ctx, query, args...)
		if err != nil {
			yield(none, s.trouble(err))
			return
		}
		defer func() { _ = rows.Close() }() // its error is that of Err
		for rows.Next() {
			one, err := scan(rows.Scan)
			if !yield(one, s.trouble(err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, s.trouble(err))
		}
	}
}

// rowsOf reads all rows of a query.
func rowsOf[T any](ctx context.Context, s *Store, query string, scan func(func(...any) error) (T, error), args ...any) ([]T, error) {
	var out []T
	for one, err := range each(ctx, s, query, scan, args...) {
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}
