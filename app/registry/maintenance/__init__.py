"""What happens beside serving: taking away what nobody needs any more."""
