package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

type product struct {
	ID         int32  `json:"id"`
	Name       string `json:"name"`
	PriceCents int32  `json:"price_cents"`
	Stock      int32  `json:"stock"`
}

type customerOrders struct {
	Customer customer        `json:"customer"`
	Orders   []customerOrder `json:"orders"`
}

type customer struct {
	ID     int32  `json:"id"`
	Name   string `json:"name"`
	Region string `json:"region"`
}

type customerOrder struct {
	ID         int64  `json:"id"`
	CreatedAt  string `json:"created_at"`
	Status     string `json:"status"`
	TotalCents int64  `json:"total_cents"`
	Lines      int64  `json:"lines"`
}

type regions struct {
	Days    int32           `json:"days"`
	Regions []regionRevenue `json:"regions"`
}

type regionRevenue struct {
	Region       string `json:"region"`
	Orders       int64  `json:"orders"`
	RevenueCents int64  `json:"revenue_cents"`
}

func (s *store) product(ctx context.Context, id int32) (product, error) {
	return s.readProduct(ctx, sqlProduct, id)
}

func (s *store) productSlow(ctx context.Context, id, milliseconds int32) (product, error) {
	return s.readProduct(ctx, sqlProductSlow, id, milliseconds)
}

func (s *store) readProduct(ctx context.Context, query string, args ...any) (found product, err error) {
	err = s.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, query, args...).Scan(&found.ID, &found.Name, &found.PriceCents, &found.Stock)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = notFound("there is no such product")
	}
	return found, err
}

func (s *store) customerOrders(ctx context.Context, id, limit int32) (found customerOrders, err error) {
	found.Orders = make([]customerOrder, 0, limit)
	err = s.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sqlCustomerOrders, id, limit)
		if err != nil {
			return err
		}
		// A customer without orders is one row without an order.
		var (
			orderID, total, lines pgtype.Int8
			createdAt             pgtype.Timestamptz
			status                pgtype.Text
		)
		columns := []any{&found.Customer.ID, &found.Customer.Name, &found.Customer.Region, &orderID, &createdAt, &status, &total, &lines}
		_, err = pgx.ForEachRow(rows, columns, func() error {
			columns[0], columns[1], columns[2] = nil, nil, nil // the same customer on every row: skip
			if orderID.Valid {
				found.Orders = append(found.Orders, customerOrder{
					ID:         orderID.Int64,
					CreatedAt:  createdAt.Time.UTC().Format(time.RFC3339),
					Status:     status.String,
					TotalCents: total.Int64,
					Lines:      lines.Int64,
				})
			}
			return nil
		})
		return err
	})
	if err == nil && found.Customer.ID == 0 {
		err = notFound("there is no such customer")
	}
	return found, err
}

func (s *store) regions(ctx context.Context, days int32) (found regions, err error) {
	found.Days = days
	err = s.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sqlRegions, days)
		if err != nil {
			return err
		}
		found.Regions, err = pgx.CollectRows(rows, pgx.RowToStructByPos[regionRevenue])
		return err
	})
	return found, err
}
