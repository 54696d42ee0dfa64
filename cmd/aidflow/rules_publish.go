package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

// versionAnswer is a version as the API tells it.
type versionAnswer struct {
	Code     string `json:"code"`
	Version  int    `json:"version"`
	State    string `json:"state"`
	Draft    string `json:"draft"`
	Compared int    `json:"compared_with"`
	Changes  []struct {
		Text string `json:"text"`
	} `json:"changes"`
	Warnings []struct {
		Message string `json:"message"`
		Line    int    `json:"line"`
	} `json:"warnings"`
}

func (v versionAnswer) say(out io.Writer) {
	fmt.Fprintf(out, "%s version %d: %s\n", v.Code, v.Version, v.State)
	for _, c := range v.Changes {
		fmt.Fprintf(out, "  since version %d: %s\n", v.Compared, c.Text)
	}
	for _, w := range v.Warnings {
		fmt.Fprintf(out, "  warning, line %d: %s\n", w.Line, w.Message)
	}
}

// newRulesProposeCommand is "aidflow rules propose": a definition becomes a
// draft, which somebody else publishes.
func newRulesProposeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "propose FILE", Short: "Propose a definition: a second administrator publishes it", Args: cobra.ExactArgs(1)}
	lang := cmd.Flags().String("lang", "en", "vi, en or id")
	at := newAPIFlags(cmd, "admin1")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		def, err := readDefinition(args[0])
		if err != nil {
			return err
		}
		var v versionAnswer
		if err := at.call(cmd.Context(), *lang, "/v1/programmes", map[string]any{"definition": def.Text()}, &v); err != nil {
			return err
		}
		v.say(cmd.OutOrStdout())
		fmt.Fprintf(cmd.OutOrStdout(), "another administrator publishes it: aidflow rules publish %s %d --draft %s\n", v.Code, v.Version, v.Draft)
		return nil
	}
	return cmd
}

// newRulesPublishCommand is "aidflow rules publish".
func newRulesPublishCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "publish CODE VERSION --draft ID", Short: "Publish a draft that another administrator has proposed", Args: cobra.ExactArgs(2)}
	lang := cmd.Flags().String("lang", "en", "vi, en or id")
	draft := cmd.Flags().String("draft", "", "id of the draft that you have reviewed")
	at := newAPIFlags(cmd, "admin2")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *draft == "" {
			return errors.New("--draft names the draft that you have reviewed")
		}
		version, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("%s is no number of a version", args[1])
		}
		var v versionAnswer
		path := fmt.Sprintf("/v1/programmes/%s/versions/%d/publish", url.PathEscape(args[0]), version)
		if err := at.call(cmd.Context(), *lang, path, map[string]any{"draft": *draft}, &v); err != nil {
			return err
		}
		v.say(cmd.OutOrStdout())
		return nil
	}
	return cmd
}
