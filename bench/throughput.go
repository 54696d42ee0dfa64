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
	for _, code := range r.paths {
		var real, control, ratio []float64
		var used, bare string // processor time of the last round
		for range r.rounds {
			a, cost, err := r.rate(ctx, code, r.wholeCase)
			if err != nil {
				return err
			}
			b, least, err := r.rate(ctx, code, r.wholeControl)
			if err != nil {
				return err
			}
			used, bare = cost, least
			real, control, ratio = append(real, a), append(control, b), append(ratio, a/b)
		}
		fmt.Printf("%-12s aidflow %6.2f/s  control %6.2f/s  ratio %.2f   (medians; ratios %.2f)\n",
			code, median(real), median(control), median(ratio), ratio)
		fmt.Printf("  processor per case: aidflow %s\n                      control %s\n", used, bare)
	}
	fmt.Println()
	return nil
}

func (r *rig) rate(ctx context.Context, code string, one func(context.Context, string, int) (string, error)) (float64, string, error) {
	before, err := r.cpuNow()
	if err != nil {
		return 0, "", err
	}
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
	if err := g.Wait(); err != nil {
		return 0, "", err
	}
	took := time.Since(begun).Seconds()
	after, err := r.cpuNow()
	return float64(r.cases) / took, after.per(before, r.cases), err
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
