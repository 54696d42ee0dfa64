package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/rails/bankfile/banktest"
)

// newBankSimulatorCommand is "aidflow bank-simulator": a pretended bank that
// takes files of pay runs from one folder and answers into another, see
// package rails/bankfile/banktest.
func newBankSimulatorCommand() *cobra.Command {
	folder := banktest.Folder{Day: banktest.Day{Currency: "VND"}}
	var once bool
	var on string
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "bank-simulator",
		Short: "Run a pretended bank that takes payment files from a folder and answers into another, for development and demonstrations",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := os.MkdirAll(folder.Out, 0o700); err != nil {
				return err
			}
			today, err := bookingDay(on)
			if err != nil {
				return err
			}
			return answerFiles(ctx, cmd, &folder, once, every, today)
		},
	}
	f := cmd.Flags()
	f.StringVar(&folder.In, "in", "", "folder with the files for the bank (required)")
	f.StringVar(&folder.Out, "out", "", "folder for its answers (required)")
	f.BoolVar(&once, "once", false, "answer what is there and end")
	f.DurationVar(&every, "every", time.Second, "how often to look")
	f.StringVar(&on, "on", "", "day of booking, as 2026-09-03; empty: today")
	f.Int64Var(&folder.Day.Opening, "opening", 1_000_000_000, "balance of the account before the first file, in dong")
	f.Uint64Var(&folder.Day.Seed, "seed", 0, "which lines the faults strike")
	f.BoolVar(&folder.Day.Old, "old", false, "answer in older versions: pain.002.001.03, camt.053.001.02, camt.054.001.02")
	f.BoolVar(&folder.Day.Batch, "batch", false, "book all payments of a file as one entry")
	faults := &folder.Day.Faults
	for name, fault := range map[string]struct {
		n    *int
		help string
	}{
		"refused":      {&faults.Refused, "turned away"},
		"returned":     {&faults.Returned, "paid and sent back"},
		"lost":         {&faults.Lost, "not executed, and nobody says so"},
		"wrong-amount": {&faults.WrongAmount, "paid with another amount"},
		"doubled":      {&faults.Doubled, "paid twice"},
		"unnamed":      {&faults.Unnamed, "booked without their end-to-end id"},
		"foreign":      {&faults.Foreign, "of others on the same account"},
	} {
		f.IntVar(fault.n, name, 0, "lines of each file that are "+fault.help)
	}
	_ = cmd.MarkFlagRequired("in") // fails only when the flag does not exist
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// bookingDay gives the bank's day: always the same one, or that of the clock.
func bookingDay(on string) (func() time.Time, error) {
	hanoi := time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)
	if on == "" {
		return func() time.Time { return time.Now().In(hanoi) }, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, on, hanoi)
	if err != nil {
		return nil, fmt.Errorf("--on %s is no day: write 2026-09-03", on)
	}
	return func() time.Time { return day }, nil
}

// answerFiles looks into the folder again and again, and says what it answered.
func answerFiles(ctx context.Context, cmd *cobra.Command, folder *banktest.Folder, once bool, every time.Duration, today func() time.Time) error {
	for {
		names, err := folder.Answer(today())
		for _, name := range names {
			fmt.Fprintln(cmd.OutOrStdout(), "answered", name)
		}
		if err != nil || once {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(every, 10*time.Millisecond)):
		}
	}
}
