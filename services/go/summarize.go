package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

const mostOrders = 10_000

type summarizeRequest struct {
	Orders []soldOrder `json:"orders"`
}

type soldOrder struct {
	Customer text       `json:"customer"`
	Region   text       `json:"region"`
	Lines    []soldLine `json:"lines"`
}

type soldLine struct {
	SKU        text    `json:"sku"`
	Quantity   integer `json:"quantity"`
	PriceCents integer `json:"price_cents"`
}

type summary struct {
	Orders  int             `json:"orders"`
	Regions []regionSummary `json:"regions"`
}

type regionSummary struct {
	Region       string `json:"region"`
	Orders       int64  `json:"orders"`
	Quantity     int64  `json:"quantity"`
	RevenueCents int64  `json:"revenue_cents"`
	TopCustomer  string `json:"top_customer"`
}

func (r *summarizeRequest) validate() error {
	if r.Orders == nil {
		return badRequest("orders is required")
	}
	if len(r.Orders) > mostOrders {
		return badRequest(fmt.Sprintf("orders may hold %d at most", mostOrders))
	}
	for i := range r.Orders {
		order := &r.Orders[i]
		if !order.Customer.present || !order.Region.present || order.Lines == nil {
			return badRequest("an order needs customer, region and lines")
		}
		for j := range order.Lines {
			line := &order.Lines[j]
			if !line.SKU.present || !line.Quantity.within(1, 1_000_000) || !line.PriceCents.within(0, 100_000_000) {
				return badRequest("a line needs sku, quantity from 1 to 1000000 and price_cents from 0 to 100000000")
			}
		}
	}
	return nil
}

// summarize cannot overflow: the lines that fit into a body, at the highest quantity and price, stay below 2^63.
func summarize(orders []soldOrder) summary {
	type region struct {
		regionSummary
		customers map[string]int64
	}
	regions := make(map[string]*region)
	for i := range orders {
		order := &orders[i]
		at, found := regions[order.Region.value]
		if !found {
			at = &region{customers: make(map[string]int64)}
			at.Region = order.Region.value
			regions[order.Region.value] = at
		}
		revenue := int64(0)
		for j := range order.Lines {
			line := &order.Lines[j]
			at.Quantity += line.Quantity.value
			revenue += line.Quantity.value * line.PriceCents.value
		}
		at.Orders++
		at.RevenueCents += revenue
		at.customers[order.Customer.value] += revenue
	}

	result := summary{Orders: len(orders), Regions: make([]regionSummary, 0, len(regions))}
	for at := range maps.Values(regions) {
		top := int64(-1)
		for customer, revenue := range at.customers {
			if revenue > top || revenue == top && customer < at.TopCustomer {
				at.TopCustomer, top = customer, revenue
			}
		}
		result.Regions = append(result.Regions, at.regionSummary)
	}
	// Comparing bytes of UTF-8 is comparing code points.
	slices.SortFunc(result.Regions, func(a, b regionSummary) int {
		return cmp.Or(cmp.Compare(b.RevenueCents, a.RevenueCents), cmp.Compare(a.Region, b.Region))
	})
	return result
}
