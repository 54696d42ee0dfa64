package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/area"
	"github.com/aidflow/aidflow/api"
	"github.com/aidflow/aidflow/internal/postgres"
)

// newImportAreasCommand is "aidflow import areas FILE": a list of areas, see
// docs/areas.md.
func newImportAreasCommand() *cobra.Command {
	var dryRun bool
	var lang string
	cmd := importer("areas", "Import a list of areas with their periods and predecessors (CSV)", func(cmd *cobra.Command, store *postgres.Store, file string) error {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		rows, err := area.ReadCSV(f)
		if err != nil {
			return listFaults(cmd.ErrOrStderr(), lang, err)
		}
		report, err := store.ImportAreas(cmd.Context(), rows, postgres.AreaChange{Actor: "operator", DryRun: dryRun})
		if err != nil {
			return listFaults(cmd.ErrOrStderr(), lang, err)
		}
		printAreas(cmd.OutOrStdout(), report, dryRun)
		return nil
	})
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would happen and change nothing")
	cmd.Flags().StringVar(&lang, "lang", "en", "language of the faults: vi, en or id")
	return cmd
}

// listFaults prints every fault of a refused file on a line of its own, and
// gives how many there are.
func listFaults(w io.Writer, lang string, err error) error {
	var refused *aid.Error
	if !errors.As(err, &refused) || len(refused.Faults) == 0 {
		return err
	}
	for _, f := range refused.Faults {
		sentence, err := api.Sentence(lang, f.Code, f.Params)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s %s: %s\n", f.Pointer, f.Code, sentence)
	}
	return fmt.Errorf("nothing was imported: %d faults", len(refused.Faults))
}

func printAreas(w io.Writer, r postgres.AreaReport, dryRun bool) {
	if dryRun {
		fmt.Fprintln(w, "dry run: nothing was changed")
	}
	fmt.Fprintf(w, "%d rows: %d periods begin, %d are different, %d are known; %d links to predecessors\n", r.Rows, r.Begun, r.Changed, r.Same, r.Links)
	m := r.Moved
	fmt.Fprintf(w, "today: %d areas are different; %d cases, %d tasks, %d roles, %d partners, %d funds and %d households moved\n",
		m.Areas, m.Cases, m.Tasks, m.Roles, m.Partners, m.Funds, m.Households)
	if m.Parked > 0 {
		fmt.Fprintf(w, "%d cases wait for an administrator to say where they belong\n", m.Parked)
	}
	if m.Left > 0 {
		fmt.Fprintf(w, "%d roles, partners and funds are in areas that are gone without a successor\n", m.Left)
	}
}
