package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retention is how long closed workflows can be looked up; the refusal of a
// workflow id that was used before holds as long.
const retention = 90 * 24 * time.Hour

const (
	startPatience = 60 * time.Second
	startPause    = 50 * time.Millisecond
)

// serveNamespace registers the namespace if it is missing and returns when
// workflows can be started in it. It gives up after startPatience, and at once
// without a fault when ctx ends.
func serveNamespace(ctx context.Context, address, name string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("cannot reach the server: %w", err)
	}
	defer func() { _ = conn.Close() }()
	client := workflowservice.NewWorkflowServiceClient(conn)
	limited, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, step := range []func(context.Context, workflowservice.WorkflowServiceClient, string) error{register, answers} {
		err := persist(limited, func(ctx context.Context) error { return step(ctx, client, name) })
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("the server does not answer: %w", serviceerror.FromStatus(statusOf(err)))
		}
	}
	return nil
}

// persist repeats a step until it succeeds or ctx ends; it returns the last
// fault.
func persist(ctx context.Context, step func(context.Context) error) error {
	for {
		err := step(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startPause):
		}
	}
}

// register makes the namespace, or raises the retention of an existing one
// that keeps less than we need.
func register(ctx context.Context, c workflowservice.WorkflowServiceClient, name string) error {
	d, err := c.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
	if err == nil {
		return raiseRetention(ctx, c, d)
	}
	var missing *serviceerror.NamespaceNotFound
	if !errors.As(serviceerror.FromStatus(statusOf(err)), &missing) {
		return err
	}
	_, err = c.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        name,
		Description:                      "Aidflow",
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	return err
}

func raiseRetention(ctx context.Context, c workflowservice.WorkflowServiceClient, d *workflowservice.DescribeNamespaceResponse) error {
	if d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() >= retention {
		return nil
	}
	_, err := c.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: d.GetNamespaceInfo().GetName(),
		Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(retention)},
	})
	return err
}

// answers asks for a workflow that does not exist. The right answer needs the
// namespace in the frontend's cache, a history shard and PostgreSQL.
func answers(ctx context.Context, c workflowservice.WorkflowServiceClient, name string) error {
	_, err := c.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: name,
		Execution: &commonpb.WorkflowExecution{WorkflowId: "aidflow-engine-ready"},
	})
	if err == nil {
		return nil
	}
	var missing *serviceerror.NotFound
	if errors.As(serviceerror.FromStatus(statusOf(err)), &missing) {
		return nil
	}
	return err
}

func statusOf(err error) *status.Status { return status.Convert(err) }
