package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// throughput prints whole cases per second beside the control, round by round
// in turns, so that both meet the same machine.
func (r *rig) throughput(ctx context.Context) error {
	fmt.Println("## whole cases per second")
	for _, code := range []string{"medical", "housing_new"} {
		var real, control, ratio []float64
		for range r.rounds {
			a, err := r.rate(ctx, code, r.wholeCase)
			if err != nil {
				return err
			}
			b, err := r.rate(ctx, code, r.wholeControl)
			if err != nil {
				return err
			}
			real, control, ratio = append(real, a), append(control, b), append(ratio, a/b)
		}
		fmt.Printf("%-12s aidflow %6.2f/s  control %6.2f/s  ratio %.2f   (medians; ratios %.2f)\n",
			code, median(real), median(control), median(ratio), ratio)
	}
	fmt.Println()
	return nil
}

func (r *rig) rate(ctx context.Context, code string, one func(context.Context, string, int) (string, error)) (float64, error) {
	first := r.people
	r.people += r.cases
	begun := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.parallel)
	for i := range r.cases {
		g.Go(func() error {
			_, err := one(gctx, code, first+i)
			return err
		})
	}
	err := g.Wait()
	return float64(r.cases) / time.Since(begun).Seconds(), err
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
