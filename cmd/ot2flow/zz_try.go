package main

import "github.com/spf13/cobra"

func (a *app) simulateCommand() *cobra.Command { return &cobra.Command{Use: "simulate"} }
func (a *app) applyCommand() *cobra.Command    { return &cobra.Command{Use: "apply"} }
func (a *app) watchCommand() *cobra.Command    { return &cobra.Command{Use: "watch"} }

func reference(string) (string, bool) { return "", false }
func keys() []string                  { return nil }
