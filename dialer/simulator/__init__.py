"""A local carrier and speech vendor that speak Twilio's and ElevenLabs' real protocols."""
