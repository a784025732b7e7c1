// A program with the generated client: add a user to a segment, and print the id of its member.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	client "example.com/segmentation"
)

func main() {
	url, slug := os.Args[1], os.Args[2]
	user, err := strconv.ParseInt(os.Args[3], 10, 64)
	check(err)
	configuration := client.NewConfiguration()
	configuration.Servers = client.ServerConfigurations{{URL: url}}
	api, ctx := client.NewAPIClient(configuration), context.Background()

	_, _, err = api.SegmentsAPI.CreateSegment(ctx).SegmentCreation(*client.NewSegmentCreation(slug)).Execute()
	check(err)
	change := client.NewMembershipChange(user)
	change.SetAddSegments([]client.MembershipChangeAddSegmentsInner{{String: &slug}})
	_, _, err = api.MembershipsAPI.ChangeMemberships(ctx).MembershipChange(*change).Execute()
	check(err)
	page, _, err := api.SegmentsAPI.ListSegmentUsers(ctx, slug).Execute()
	check(err)
	_, _, err = api.HistoryAPI.ListUserHistory(ctx, user).Execute()
	check(err)
	fmt.Println(page.GetUsers()[0].GetUserId())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
