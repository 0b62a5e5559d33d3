// Package chromium drives a Chromium without a window in tests, with mouse and keyboard.
//
//	browser := chromium.Start(t)
//	tab := browser.Open(t, server.URL)
//	tab.Write(t, "#login [name=username]", "jane")
//	tab.Click(t, "#login button")
//	tab.Until(t, `document.title === "Welcome"`)
//	tab.Unbroken(t)
//
// Names below .example are this machine, and certificates are not looked at.
package chromium
