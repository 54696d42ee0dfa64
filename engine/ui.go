package main

// noUI says why --ui-address has no effect: the module go.temporal.io/ui-server
// could not be fetched when this was built, so the ready line has an empty ui.
// The flag stays, so that nothing that starts the engine has to change later.
const noUI = "this build has no web UI, --ui-address is ignored"
