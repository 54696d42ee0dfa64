// Package e2e tests the whole stack from outside: it starts "aidflow dev" as a
// person does and speaks to it by HTTP and by signals to its processes. Its
// tests share one stack; those that are about the stack itself start their own.
package e2e
