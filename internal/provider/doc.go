// Package provider knows where another provider of identity is, which keys it has,
// and how somebody logs in there.
//
//	connection, err := provider.Open(provider.Source{Issuer: "https://id.example.org"}, provider.Options{})
//	connection.Start()
//	defer connection.Close()
//	key, err := connection.Keys().Find(ctx, kid, "RS256")
//
// A Connection asks the provider for its discovery document and its keys, in the
// background, and keeps what it was told. Keys that were fetched serve while the
// provider is down, for a day. A Client is what the provider knows this server as: it
// sends browsers there and exchanges what they come back with for tokens.
//
// What a provider says is not trusted beyond its issuer. Its servers must be where the
// configuration allows servers to be, by the address that was connected to; redirects
// are not followed; every answer has a limit of size and time; endpoints have to be
// https. Nothing that a key names is fetched. What a provider says in an error is not
// passed on but for the codes that the standards have.
//
// The package knows neither Caddy nor accounts, and verifies no token: that is
// internal/accesstoken.
package provider
