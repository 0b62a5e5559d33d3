package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// The form of caddy-security's API keys: so many characters, the first of which find
// the user; a bcrypt hash of the whole key, with this cost, is what is kept.
const (
	apiKeyLength = 72
	apiKeyPrefix = 24
	apiKeyCost   = 10
)

// addAPIKeys gives the first user in caddy-security's file that many API keys, as a
// user does on the pages of its portal.
func addAPIKeys(path string, number int, now time.Time) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var database map[string]any
	if err := json.Unmarshal(text, &database); err != nil {
		return nil, err
	}
	users, _ := database["users"].([]any)
	if len(users) == 0 {
		return nil, errors.New("there is no user in " + path)
	}
	user, ok := users[0].(map[string]any)
	if !ok {
		return nil, errors.New("the user is no object in " + path)
	}
	keys, kept := make([]string, number), make([]any, number)
	for i := range keys {
		keys[i] = (rand.Text() + rand.Text() + rand.Text())[:apiKeyLength]
		hash, err := bcrypt.GenerateFromPassword([]byte(keys[i]), apiKeyCost)
		if err != nil {
			return nil, err
		}
		kept[i] = map[string]any{
			"id": rand.Text(), "prefix": keys[i][:apiKeyPrefix], "usage": "api", "comment": fmt.Sprintf("bench %d", i),
			"payload": string(hash), "created_at": now.UTC(),
		}
	}
	user["api_keys"] = kept
	if text, err = json.Marshal(database); err != nil {
		return nil, err
	}
	return keys, os.WriteFile(path, text, 0o600)
}
