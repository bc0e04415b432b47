package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

type orderRequest struct {
	CustomerID integer            `json:"customer_id"`
	Lines      []orderRequestLine `json:"lines"`
}

type orderRequestLine struct {
	ProductID integer `json:"product_id"`
	Quantity  integer `json:"quantity"`
}

// newOrder holds its lines by column, as the statements take them, in product order: two orders that lock their rows
// in one order cannot deadlock.
type newOrder struct {
	customerID int32
	productIDs []int32
	quantities []int32
}

type orderCreated struct {
	ID         int64 `json:"id"`
	TotalCents int64 `json:"total_cents"`
}

func (r *orderRequest) validate() (newOrder, error) {
	if !r.CustomerID.within(1, 1<<31-1) {
		return newOrder{}, badRequest("customer_id must be an integer from 1 to 2147483647")
	}
	if len(r.Lines) < 1 || len(r.Lines) > 20 {
		return newOrder{}, badRequest("an order needs 1 to 20 lines")
	}
	slices.SortFunc(r.Lines, func(a, b orderRequestLine) int { return cmp.Compare(a.ProductID.value, b.ProductID.value) })
	order := newOrder{
		customerID: int32(r.CustomerID.value),
		productIDs: make([]int32, len(r.Lines)),
		quantities: make([]int32, len(r.Lines)),
	}
	for i, line := range r.Lines {
		if !line.ProductID.within(1, 1<<31-1) || !line.Quantity.within(1, 100) {
			return newOrder{}, badRequest("a line needs product_id and quantity from 1 to 100")
		}
		if i > 0 && line.ProductID == r.Lines[i-1].ProductID {
			return newOrder{}, badRequest("a product may be on one line only")
		}
		order.productIDs[i], order.quantities[i] = int32(line.ProductID.value), int32(line.Quantity.value)
	}
	return order, nil
}

func (s *store) createOrder(ctx context.Context, order newOrder) (created orderCreated, err error) {
	err = s.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
			created, err = insertOrder(ctx, tx, order)
			return err
		})
	})
	return created, err
}

func insertOrder(ctx context.Context, tx pgx.Tx, order newOrder) (created orderCreated, err error) {
	prices, err := lockProducts(ctx, tx, order)
	if err != nil {
		return created, err
	}
	for i, price := range prices {
		created.TotalCents += int64(price) * int64(order.quantities[i])
	}
	if _, err := tx.Exec(ctx, sqlTakeStock, order.productIDs, order.quantities); err != nil {
		return created, err
	}
	if err := tx.QueryRow(ctx, sqlInsertOrder, order.customerID, created.TotalCents).Scan(&created.ID); err != nil {
		if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == foreignKeyViolation {
			return created, notFound("there is no such customer")
		}
		return created, err
	}
	_, err = tx.Exec(ctx, sqlInsertLines, created.ID, order.productIDs, order.quantities, prices)
	return created, err
}

func lockProducts(ctx context.Context, tx pgx.Tx, order newOrder) (prices []int32, err error) {
	rows, err := tx.Query(ctx, sqlLockProducts, order.productIDs)
	if err != nil {
		return nil, err
	}
	prices = make([]int32, 0, len(order.productIDs))
	short := false
	var id, price, stock int32
	_, err = pgx.ForEachRow(rows, []any{&id, &price, &stock}, func() error {
		// Both sides are in product order. Where a row is missing, what is compared is wrong, and not used.
		short = short || stock < order.quantities[len(prices)]
		prices = append(prices, price)
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(prices) < len(order.productIDs):
		return nil, notFound("there is no such product")
	case short:
		return nil, outOfStock()
	}
	return prices, nil
}
